"""Files and folders that a user gives: read, cut into passages, indexed, watched."""
