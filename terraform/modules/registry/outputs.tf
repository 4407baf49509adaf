output "repositories" {
  description = "Name, ARN and URL of the ECR repository of each image, keyed by the name of the image."
  value = {
    for image, repository in aws_ecr_repository.this : image => {
      name = repository.name
      arn  = repository.arn
      url  = repository.repository_url
    }
  }
}
