"""What a release needs beside its code: one version, archives that hold what they should."""
