"""The words of the desk: values and enums, no behaviour that needs a clock, a network or a database."""
