"""One verb of the user, one file, one public function."""
