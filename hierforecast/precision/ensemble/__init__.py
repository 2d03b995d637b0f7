"""Several marketing mix models of one target, weighted by how well they predict weeks they have not seen."""
