locals {
  role_reads = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]

  # Permissions that only some environments need.
  optional = concat(
    flatten([
      for state in var.state[*] : [
        {
          sid       = "KeepState"
          actions   = ["s3:GetObject", "s3:PutObject"]
          resources = ["arn:${local.partition}:s3:::${state.bucket}/${state.key}"]
          condition = null
        },
        {
          sid       = "LockState"
          actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
          resources = ["arn:${local.partition}:s3:::${state.bucket}/${state.key}.tflock"]
          condition = null
        },
        # Terraform lists its workspaces with this prefix. Requests without a prefix are allowed, too: without
        # s3:ListBucket, S3 answers 403 instead of 404 for a missing object, and a free lock is a missing object
        # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
        {
          sid       = "FindState"
          actions   = ["s3:ListBucket"]
          resources = ["arn:${local.partition}:s3:::${state.bucket}"]
          condition = { test = "StringEqualsIfExists", variable = "s3:prefix", values = ["env:/"] }
        },
      ]
    ]),
    [
      for arns in [local.role_arns] : {
        sid       = "ReadRolesOfPipelines"
        actions   = local.role_reads
        resources = arns
        condition = null
      } if length(arns) > 0
    ],
    [
      for issuers in [values(local.looked_up)] : {
        sid       = "ListProvidersOfPipelines"
        actions   = ["iam:ListOpenIDConnectProviders"]
        resources = ["*"]
        condition = null
      } if length(issuers) > 0
    ],
    [
      for issuers in [values(local.looked_up)] : {
        sid       = "ReadProvidersOfPipelines"
        actions   = ["iam:GetOpenIDConnectProvider"]
        resources = [for issuer in issuers : "${local.provider_arn}/${issuer}"]
        condition = null
      } if length(issuers) > 0
    ],
    [
      for arns in [sort(var.secret_arns)] : {
        sid       = "FindSecrets"
        actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"]
        resources = arns
        condition = null
      } if length(arns) > 0
    ],
    [
      for arns in [sort(var.kms_key_arns)] : {
        sid       = "UseKeys"
        actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
        resources = arns
        condition = {
          test     = "StringEquals"
          variable = "kms:ViaService"
          values   = [for service in ["dynamodb", "s3"] : "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"]
        }
      } if length(arns) > 0
    ],
    [
      for read in [true] : {
        sid       = "ReadTagsOfTargetGroups"
        actions   = ["elasticloadbalancing:DescribeTags"]
        resources = ["*"]
        condition = null
      } if var.load_balanced
    ],
    [
      for read in [true] : {
        sid = "ReadAutoscaling"
        actions = [
          "application-autoscaling:DescribeScalableTargets",
          "application-autoscaling:DescribeScalingPolicies",
        ]
        resources = ["*"]
        condition = null
      } if var.autoscaled
    ],
    [
      for keep in [true] : {
        sid       = "SetMinimums"
        actions   = ["application-autoscaling:RegisterScalableTarget"]
        resources = ["arn:${local.partition}:application-autoscaling:${local.suffix}:scalable-target/*"]
        condition = { test = "StringEquals", variable = "application-autoscaling:service-namespace", values = ["ecs"] }
      } if var.autoscaled
    ],
    [
      for read in [true] : {
        sid       = "ReadTagsOfAutoscaling"
        actions   = ["application-autoscaling:ListTagsForResource"]
        resources = ["arn:${local.partition}:application-autoscaling:${local.suffix}:scalable-target/*"]
        condition = null
      } if var.autoscaled
    ],
  )
}
