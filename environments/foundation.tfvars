# The registry, the ledger and the build project of the example application, once for all its environments.
application = "storefront"
region      = "eu-central-1"
images      = ["app"]

# CodeBuild, for `invoke release --on codebuild`. On the sandbox a repository on disk stands for this one
# (invoke sandbox.repository).
build = {
  source = { type = "GITHUB", location = "https://github.com/example/storefront.git" }
  # In whose account and region a build pushes that no release has ordered.
  environment = { LONGSHORE_ENVIRONMENT = "plain:sandbox" }
}
