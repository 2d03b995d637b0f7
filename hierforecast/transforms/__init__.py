"""What is done to a driver before a model sees it: pure NumPy, time down axis 0, any further axes are series."""
