"""Pure detectors, one module each: listings in, signals out; outcomes calibrate their probabilities."""
