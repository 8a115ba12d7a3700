"""The command line of the jobs: stages and commands, and the arguments that several of them take. No Spark here."""
