"""Plain words for moments, money and facts, the same for every face. Pure."""
