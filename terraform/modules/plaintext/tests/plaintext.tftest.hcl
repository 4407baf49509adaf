run "reports_secrets_by_name" {
  command = plan

  variables {
    values = {
      "environment." = {
        POSTGRES_PASSWORD     = "x"
        PGPASSWORD            = "x"
        db_passwd             = "x"
        SMTP_PASS             = "x"
        DB_PWD                = "x"
        SECRET_KEY_BASE       = "x"
        GITHUB_TOKEN          = "x"
        RAILS_MASTER_KEY      = "x"
        STRIPE_API_KEY        = "x"
        SSH_PRIVATE_KEY       = "x"
        AWS_ACCESS_KEY_ID     = "x"
        GOOGLE_CREDENTIALS    = "x"
        AWS_SECRET_ACCESS_KEY = "x"
        SENTRY_DSN            = "x"
        APP_KEY               = "x"
        FERNET_KEY            = "x"
        SQL_CONNECTION_STRING = "x"
      }
    }
  }

  assert {
    condition     = toset(values(output.suspects)) == toset(keys(var.values["environment."]))
    error_message = "Not reported: ${join(", ", setsubtract(keys(var.values["environment."]), values(output.suspects)))}."
  }
}

run "ignores_similar_names" {
  command = plan

  variables {
    values = {
      "environment." = {
        TOKENIZER_PATH         = "/models"
        MAX_TOKENS             = "4096"
        SECRETARY_NAME         = "Jo"
        PWD                    = "/app"
        COMPASS                = "north"
        KEYBOARD               = "de"
        PASSENGERS             = "2"
        SECRET_ARN             = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop"
        PASSWORD_FILE          = "/run/secrets/password"
        CACHE_KEY              = "v2"
        PRIMARY_KEY            = "id"
        STRIPE_PUBLISHABLE_KEY = "pk_live_1"
        RECAPTCHA_SITE_KEY     = "6Lc"
        NEXT_PUBLIC_SENTRY_DSN = "https://1a2b@o1.ingest.sentry.io/1"
        VITE_AUTH_TOKEN        = "x"
        PUBLIC_API_KEY         = "x"
        KMS_KEY                = "alias/shop"
        S3_KEY                 = "uploads/x"
        IMAGE                  = "docker://shop:v1@sha256:0123456789abcdef"
        EMPTY                  = ""
        NOTHING                = null
      }
    }
  }

  assert {
    condition     = length(output.suspects) == 0
    error_message = "Reported: ${join(", ", keys(output.suspects))}."
  }
}

run "reports_secrets_by_value_with_their_paths" {
  command = plan

  variables {
    values = {
      "services.web.environment." = {
        DATABASE_URL = "postgres://shop:hunter2@db:5432/shop"
        REDIS_URL    = "redis://:hunter2@redis:6379"
        CERTIFICATE  = "-----BEGIN RSA PRIVATE KEY-----"
      }
      "environment." = {
        HOMEPAGE = "https://shop.example:8443/@home"
        DB       = "postgres://shop@db:5432/shop"
        EMAIL    = "mailto:ops@shop.example"
      }
    }
  }

  assert {
    condition = output.suspects == {
      "services.web.environment.DATABASE_URL" = "DATABASE_URL"
      "services.web.environment.REDIS_URL"    = "REDIS_URL"
      "services.web.environment.CERTIFICATE"  = "CERTIFICATE"
    }
    error_message = "Reported: ${join(", ", keys(output.suspects))}."
  }
}
