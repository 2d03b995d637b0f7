"""The recent-level term: what series have lately done beyond what the regression says."""
