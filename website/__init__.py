"""website: the documentation as a site, built from the files that the repository has anyway.

`staging` copies the pages into one folder and makes their links fit; `reference` makes the pages
about the API's routes from its description; `building` runs Zensical. `mkdocs.yml` has the site's
settings and the order of its pages, and `assets/` its style and icon.
"""
