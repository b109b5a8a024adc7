//! What the template sets up that costs money by being there, read line by line.

/// One resource.
#[derive(Debug, PartialEq, Eq)]
struct Resource<'a> {
    kind: &'a str,
    condition: Option<&'a str>,
    /// Queues that it takes messages from.
    takes: usize,
    /// When it invokes something.
    schedule: Option<&'a str>,
}

/// Everything of `template.yaml` that a bill needs.
#[derive(Debug, PartialEq)]
pub(super) struct Resources {
    /// Alarms.
    pub(super) alarms: f64,
    /// Dashboards.
    pub(super) dashboards: f64,
    /// Secrets that the stack makes.
    pub(super) secrets: f64,
    /// Functions.
    pub(super) functions: f64,
    /// Queues that a function takes its messages from.
    pub(super) taken_queues: f64,
    /// A function's memory, in MB.
    pub(super) memory: f64,
    /// How often a month upkeep is invoked.
    pub(super) rounds: f64,
    /// How often a month something else is, by a schedule.
    pub(super) days: f64,
    /// Bytes of one line of the access log.
    pub(super) access_log: f64,
}

/// Hours of a month, as AWS counts them.
pub(super) const HOURS: f64 = 730.0;

/// How long a value in the access log is: most are ids and numbers.
const VALUE: usize = 14;

impl Resources {
    /// Reads a template, as it is when only these destinations are switched on.
    pub(super) fn read(template: &str, destinations: &[String]) -> Option<Self> {
        let parameters: Vec<String> = destinations.iter().map(|name| with(name)).collect();
        let resources = resources(template);
        let deployed: Vec<&Resource> = resources
            .iter()
            .filter(|resource| {
                let condition = resource
                    .condition
                    .filter(|condition| condition.starts_with("With"));
                condition.is_none_or(|condition| parameters.iter().any(|with| with == condition))
            })
            .collect();
        let count = |kind: &str| {
            let own = deployed.iter().filter(|resource| resource.kind == kind);
            super::usage::float(own.count())
        };
        let after = |key: &str| {
            let mut lines = template.lines().map(str::trim);
            lines.find_map(|line| line.strip_prefix(key)).map(str::trim)
        };
        let schedules = deployed.iter().filter_map(|resource| resource.schedule);
        let (mut rounds, mut days) = (0.0, 0.0);
        for schedule in schedules {
            match minutes(schedule) {
                Some(minutes) => rounds += HOURS * 60.0 / minutes,
                None if is_daily(schedule) => days += HOURS / 24.0,
                None => return None,
            }
        }
        Some(Self {
            alarms: count("AWS::CloudWatch::Alarm"),
            dashboards: count("AWS::CloudWatch::Dashboard"),
            secrets: count("AWS::SecretsManager::Secret"),
            functions: count("AWS::Serverless::Function"),
            taken_queues: super::usage::float(deployed.iter().map(|one| one.takes).sum()),
            memory: after("MemorySize:")?.parse().ok()?,
            rounds,
            days,
            access_log: super::usage::float(access_log(template)?),
        })
    }
}

/// The minutes between two invocations by a schedule such as `rate(5 minutes)`.
fn minutes(schedule: &str) -> Option<f64> {
    let rate = schedule.strip_prefix("rate(")?;
    rate.strip_suffix(" minutes)")?.parse().ok()
}

/// Whether a schedule such as `cron(0 11 * * ? *)` invokes something once a day.
fn is_daily(schedule: &str) -> bool {
    let fields = schedule
        .strip_prefix("cron(")
        .and_then(|rest| rest.strip_suffix(')'));
    let fields: Vec<&str> = fields.unwrap_or_default().split(' ').collect();
    let is_number = |field: &str| field.parse::<u8>().is_ok();
    matches!(fields[..], [minute, hour, "*", "*", "?", "*"] if is_number(minute) && is_number(hour))
}

/// `rule` is behind the condition `WithRule`.
fn with(destination: &str) -> String {
    let mut letters = destination.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first
        .into_iter()
        .fold("With".to_owned(), |mut name, first| {
            name.push(first);
            name.push_str(letters.as_str());
            name
        })
}

/// The resources: each begins with a name two spaces in, and has its type and its condition four spaces in.
fn resources(template: &str) -> Vec<Resource<'_>> {
    let mut found = Vec::new();
    let lines = template.lines().skip_while(|line| *line != "Resources:");
    for line in lines.skip(1).take_while(|line| *line != "Outputs:") {
        if let Some(kind) = line.strip_prefix("    Type: ") {
            found.push(Resource {
                kind: kind.trim(),
                condition: None,
                takes: 0,
                schedule: None,
            });
        }
        let Some(last) = found.last_mut() else {
            continue;
        };
        if let Some(condition) = line.strip_prefix("    Condition: ") {
            last.condition = Some(condition.trim());
        }
        if let Some(schedule) = line.strip_prefix("      ScheduleExpression: ") {
            last.schedule = Some(schedule.trim());
        }
        last.takes += usize::from(line.trim() == "Type: SQS");
    }
    found
}

/// The format of the access log, each variable taken for a value of usual length.
fn access_log(template: &str) -> Option<usize> {
    let format = template
        .lines()
        .skip_while(|line| line.trim() != "Format: >-")
        .skip(1);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut depth = None;
    let mut length = 0;
    for line in format {
        let depth = *depth.get_or_insert_with(|| indent(line));
        if indent(line) < depth {
            break;
        }
        let line = line.trim();
        let mut parts = line.split("$context.");
        length += parts.next().map_or(0, str::len);
        for part in parts {
            let name = part.find('"').unwrap_or(part.len());
            length += VALUE + part.len() - name;
        }
    }
    (length > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TEMPLATE: &str = "\
Globals:
  Function:
    MemorySize: 256
Resources:
  Inbox:
    Type: AWS::SQS::Queue
  InboxDead:
    Type: AWS::SQS::Queue
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties:
      AccessLogSettings:
        Format: >-
          {\"a\":\"$context.a\",
          \"b\":\"$context.error.type\"}

  RuleQueue:
    Type: AWS::SQS::Queue
    Condition: WithRule
  RuleDead:
    Type: AWS::SQS::Queue
    Condition: WithRule
  PushRule:
    Type: AWS::Serverless::Function
    Condition: WithRule
    Properties:
      Events:
        Queue:
          Type: SQS
  Emit:
    Type: AWS::Serverless::Function
    Properties:
      EventInvokeConfig:
        DestinationConfig:
          OnFailure: {Type: SQS, Destination: !GetAtt InboxDead.Arn}
      Events:
        Queue:
          Type: SQS
  RuleAlarm:
    Type: AWS::CloudWatch::Alarm
    Condition: WithRule
  OtherAlarm:
    Type: AWS::CloudWatch::Alarm
    Condition: HasAlarmEmail
  Schedule:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: rate(5 minutes)
  Daily:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: cron(0 11 * * ? *)
      ScheduleExpressionTimezone: UTC
Outputs:
  Type: AWS::CloudWatch::Alarm
";

    #[test]
    fn what_is_behind_a_destination_costs_with_it_only() {
        let line = "{\"a\":\"\",\"b\":\"\"}".len() + 2 * VALUE;
        let without = Resources {
            alarms: 1.0,
            dashboards: 0.0,
            secrets: 0.0,
            functions: 1.0,
            taken_queues: 1.0,
            memory: 256.0,
            rounds: 8760.0,
            days: 730.0 / 24.0,
            access_log: super::super::usage::float(line),
        };
        let with = Resources {
            alarms: 2.0,
            functions: 2.0,
            taken_queues: 2.0,
            ..without
        };
        assert_eq!(Resources::read(TEMPLATE, &["rule".to_owned()]), Some(with));
        assert_eq!(Resources::read(TEMPLATE, &[]), Some(without));
    }

    #[test]
    fn a_schedule_that_is_not_understood_is_not_guessed() {
        for schedule in [
            "rate(1 hour)",
            "cron(0 11 ? * MON *)",
            "at(2026-03-04T12:00:00)",
        ] {
            let template = TEMPLATE.replace("rate(5 minutes)", schedule);
            assert_eq!(Resources::read(&template, &[]), None, "{schedule}");
        }
    }

    /// What the bill counts, by being there or by what it does.
    const PRICED: [&str; 9] = [
        "AWS::ApiGatewayV2::Api",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::DynamoDB::Table",
        "AWS::Logs::LogGroup",
        "AWS::SQS::Queue",
        "AWS::Scheduler::Schedule",
        "AWS::SecretsManager::Secret",
        "AWS::Serverless::Function",
    ];

    /// What costs nothing, or only where something is wrong: an alarm's mail, the series of refused calls.
    const FREE: [&str; 9] = [
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Lambda::Permission",
        "AWS::Logs::MetricFilter",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
    ];

    #[test]
    fn everything_in_our_template_is_priced_or_free() {
        let text = std::fs::read_to_string(crate::local::paths::root().join("template.yaml"));
        let text = text.expect("the template");
        let kinds: BTreeSet<&str> = resources(&text).iter().map(|one| one.kind).collect();
        let known: BTreeSet<&str> = PRICED.into_iter().chain(FREE).collect();
        assert_eq!(kinds, known);
    }

    #[test]
    fn our_own_template_is_read() {
        let text = std::fs::read_to_string(crate::local::paths::root().join("template.yaml"));
        let all = ["rule", "gorgias", "annexcloud"].map(str::to_owned);
        let text = text.expect("the template");
        let read = Resources::read(&text, &all);
        let read = read.expect("everything that a bill needs");
        assert!(read.alarms >= 10.0 && read.access_log > 200.0, "{read:?}");
        let unknown = read.functions - super::super::usage::float(super::super::FUNCTIONS.len());
        assert!(unknown.abs() < 0.5, "{unknown} functions are not measured");
        let rule = Resources::read(&text, &all[..1]).expect("everything that a bill needs");
        let more = read.functions - rule.functions;
        assert!((more - 3.0).abs() < 0.5, "{more} functions beside Rule's");
        assert!(read.alarms > rule.alarms);
        let counts = |read: &Resources| {
            [read.taken_queues, read.rounds, read.days].map(|count| format!("{count:.0}"))
        };
        // The inbox, the queue of reads, one for each of three emitters, and one for each destination.
        assert_eq!(counts(&rule), ["6", "8760", "91"]);
        assert_eq!(counts(&read), ["8", "8760", "91"]);
    }
}
