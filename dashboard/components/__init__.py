"""What pages share: shell (header and frame), cards, grids, filters, and how a decision is told."""
