"""The composition root: the only place where engines, venues, storage and the dashboard meet."""
