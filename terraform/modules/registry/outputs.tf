output "repositories" {
  description = "The repository of each image: name, ARN and URL."
  value = {
    for image, repository in aws_ecr_repository.this : image => {
      name = repository.name
      arn  = repository.arn
      url  = repository.repository_url
    }
  }
}
