"""The shelf: the only package here that knows MLflow. Runs, versions, aliases, and loading a champion.

records     versions and evidence, in words that need no MLflow
connection  where MLflow is
runs        opened, nested, ended as finished or failed
versions    log a run with everything people look at, register it, find it again
promotion   the gate's decision on the version, and the champion alias
served_model  the file that MLflow runs to load a version as a pyfunc

MLflow takes seconds to import, so tasks import all but `records` in their bodies.
"""
