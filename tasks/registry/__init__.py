"""The shelf: the only package here that knows MLflow. Runs, versions, aliases, and loading a champion.

records          versions and evidence, in words that need no MLflow
asking           what goes wrong because of MLflow, as an outage with a cure
outages          which of MLflow's errors are outages
connection       where MLflow is
runs             opened, nested, ended as finished or failed, and ended for processes that died
numbers          parameters, metrics and their courses, in few requests
versions         log a run with everything people look at, register it, find it again
signatures       what a registered model takes and gives
settings_text    settings as a person would write them
sealing          the digests of what was logged, checked before any of it is read or run
served_model     the file that MLflow runs to load a version as a pyfunc
media_answers    what a registered marketing mix model may be asked
check_report     the report of the data checks with a run
profiles         what the champion was trained on
promotion        the gate's decision on the version, and the champion alias
decision_record  what a decision leaves on a version
approval         a person's word on versions that wait
experiments      backtests and tuning studies, which make no version

MLflow takes seconds to import, so tasks import all but `records` and `asking` in their bodies.
"""
