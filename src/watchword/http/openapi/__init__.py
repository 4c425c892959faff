"""The description of the REST API in the words of OpenAPI 3.1, for one caller: nothing in it that they may not use."""
