"""The rooms of orders and books against an exchange that fails, and engines that die."""
