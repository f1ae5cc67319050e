"""The wizard by which an officer's file becomes a dataset: what its pages show, and what their forms say."""
