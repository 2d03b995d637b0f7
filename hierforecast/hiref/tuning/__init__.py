"""What tuning turns and how a turn is judged; who decides on the next one (Optuna) is a task's affair.

knobs   what can be turned, within which bounds, and settings with the knobs turned
judge   the error of settings at rolling origins, from material that trials share
"""
