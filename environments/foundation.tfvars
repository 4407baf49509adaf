# Registry, ledger and build project of the example application, which all its environments share.
application = "storefront"
region      = "eu-central-1"
images      = ["app"]

# Build project for `invoke release --on codebuild`. On the sandbox, `invoke sandbox.repository` maps this repository to
# one on disk.
build = {
  source = { type = "GITHUB", location = "https://github.com/example/storefront.git" }
  # The environment to push to if a build is started without a release.
  environment = { LONGSHORE_ENVIRONMENT = "plain:sandbox" }
}
