"""Training sessions, certificates, safety training: what people learn before they may reserve."""
