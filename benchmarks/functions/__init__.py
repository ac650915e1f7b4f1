"""Native functions: where their coefficients come from, and how many ulps they lose."""
