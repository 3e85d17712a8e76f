"""Speed and size, measured beside a named peer that does the same work in the same run."""
