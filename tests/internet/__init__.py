"""A small internet in network namespaces, made of real servers, for the suites that need one."""
