"""What a fitted model answers beyond forecasts: the split of a forecast, effects, what-ifs, bridges between periods."""
