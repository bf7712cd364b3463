"""What lasts: one SQLite database a server, its migrations, and for each domain functions of a connection."""
