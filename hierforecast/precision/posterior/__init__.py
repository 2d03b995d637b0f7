"""The posterior: what the parameters are, what is believed of them, and how likely they make the data.

Choices made here:
- one flat vector, constrained inside the density; data are arguments, so equal shapes share one compilation;
- the form (`MixModel`) decides which pieces exist, at tracing time, so what is not asked for costs nothing;
- formulas that NumPy draws and TensorFlow chains both need are written once, over `operations`.
"""
