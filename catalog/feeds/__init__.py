"""Files of products, in and out: what they are called there, what is good in them, and what they change."""
