"""Pictures of a version, for the registry's pages: plain functions from frames to figures, and which a version gets.

theme          colours, axes, parts of the time axis
sums           from one row per series and period to what one picture shows
forecast       forecast against actual over time, in total and for the largest nodes of a level
contributions  what the forecast is made of, over time and on average
effects        elasticities or decay with their intervals
learning       the optimiser's loss, or the learning curve by epoch
errors         held-out error by level and by periods ahead, and how often intervals held
returns        what spend brings: returns, response curves, a budget spread anew
sampling       whether a marketing mix model's draws may be believed
worth          what drivers and declared signs add to the forecast
album          which pictures a version gets, drawn from its tables and written as PNG

Figures are made and written without pyplot, which keeps every figure of a process in one global list.
"""
