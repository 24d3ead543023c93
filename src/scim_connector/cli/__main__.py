"""``python -m scim_connector.cli``."""

from scim_connector.cli import main

main()
