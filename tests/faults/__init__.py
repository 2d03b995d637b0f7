"""The fault matrix: a company's Monday run as real processes, each row with one fault, and what is left afterwards.

    python -m tests.faults                       all rows
    python -m tests.faults --only kill-ingest    some of them
    python -m tests.faults --list                what there is
    python -m tests.faults --out FOLDER          the table as faults.md and faults.json too

company     the tiny company, and its Mondays
place       the folder of a matrix: home, files, servers, snapshots
program     processes: started, waited for, killed
launch      runs a flow that meets a fault at a named call
look        what a home holds, seen from a process that has never seen it before
promises    what a fault may never do
matrix      one row: the fault, the next run, the verdict
lanes       rows side by side
report      the table
rows        the rows, from kills, servers and files
"""
