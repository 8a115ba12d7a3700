"""What sources, tables and steps are: read by whoever schedules, computes, checks or deploys. Standard library only."""
