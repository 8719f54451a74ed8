"""MEXC on the wire: signing, REST, errors as decisions, rate budget, streams, clock offset."""
