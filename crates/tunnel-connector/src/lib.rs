//! Dials an edge, keeps its connections, serves ingress.
