"""Storage of the API key: a systemd credential, the keyring of the operating system, or an encrypted file."""
