"""Values and enums shared by all packages. Pure: no clock, no network, no database."""
