"""Log handler: bounded files, and repeated messages collapsed with a count."""
