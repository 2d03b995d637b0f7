"""LOOKING. A Dash app that reads the MLflow registry and nothing else: no flow, no torch, no TensorFlow.

- app: the application, its server and its command line
- registry: the only module here that knows MLflow; catalog: what it returns; cache: tables kept in memory
- frames: sums over a selection; figures/: frames to figures, without Dash
- pages/: one file per page; components/: what pages share; ids: every component's id; assets/: style
"""
