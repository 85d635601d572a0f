"""The report: everything about one training on one page that needs nothing but a browser, or several side by side.

A report is made of what the run folder holds (record.py), put into words (words.py) and pictures (pictures.py,
drawn by `inkling.figures`), and set on a page (page.py with the templates, the style and the charts beside it).
The images of the data set don't lie in the run folder, so whoever has them hands them in; without them the report
leaves out what needs them, and says so.
"""

from inkling.report.environment import environment
from inkling.report.page import write_comparison, write_report
from inkling.report.record import Record, read_record

__all__ = ["Record", "environment", "read_record", "write_comparison", "write_report"]
