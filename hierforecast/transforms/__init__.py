"""What is done to a driver or a date before a model sees it: NumPy, time down axis 0, any further axes are series."""
