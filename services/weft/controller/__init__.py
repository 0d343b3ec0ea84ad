"""The controller: one leader that makes the databases hold what the objects say."""
