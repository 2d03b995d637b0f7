"""Prediction intervals from errors on periods that the model had not seen."""
