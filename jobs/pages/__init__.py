"""What all HTML pages share: the environment that renders them, the frame around them and their style."""
