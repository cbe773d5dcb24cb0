"""The site: pages of all studies, runs and models, made from the published records alone."""
