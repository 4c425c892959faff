"""The one place that knows every class: settings, composition, lifespan."""
