"""What RFC 7643, RFC 7644 and RFC 9865 demand of a service provider, and its proof."""
