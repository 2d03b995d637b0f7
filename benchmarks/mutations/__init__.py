"""Two good companies, and everything that goes wrong with files, sales tables, media tables and settings.

case        what a person hands in: settings, two tables, on disk
companies   the two good ones
catalogue   how a mutation is declared; all of them by name
files       damaged, empty, missing or foreign files
sales       a sales table that lies
media       a media table that lies
settings    YAML that does not fit
"""
