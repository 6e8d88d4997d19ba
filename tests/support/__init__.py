"""What tests of several packages stand on: worlds, installations, servers, and where the project lies."""
