"""Keep research groups with their people."""

import sqlalchemy as sa
from alembic import op

revision = 'a1b9'
down_revision = 'f9d2'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('research_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('name_ko', sa.String(length=200), nullable=False),
    sa.Column('name_en', sa.String(length=200), nullable=False),
    sa.Column('leader_id', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_research_group_institution_id')),
    sa.ForeignKeyConstraint(['leader_id'], ['user.id'], name=op.f('fk_research_group_leader_id')),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_research_group_made_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_research_group'))
    )
    op.create_index(op.f('ix_research_group_institution_id'), 'research_group', ['institution_id'], unique=False)
    op.create_index(op.f('ix_research_group_leader_id'), 'research_group', ['leader_id'], unique=False)
    op.create_table('group_membership',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('group_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('belonging', sa.String(32), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=True),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.CheckConstraint("belonging <> 'invited' OR email IS NOT NULL", name=op.f('ck_group_membership_invited_by_address')),
    sa.CheckConstraint("belonging <> 'member' OR starts_on IS NOT NULL", name=op.f('ck_group_membership_members_since')),
    sa.CheckConstraint('ends_on IS NULL OR starts_on <= ends_on', name=op.f('ck_group_membership_ends_after_start')),
    sa.CheckConstraint('user_id IS NOT NULL OR email IS NOT NULL', name=op.f('ck_group_membership_of_somebody')),
    sa.ForeignKeyConstraint(['group_id'], ['research_group.id'], name=op.f('fk_group_membership_group_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_group_membership_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_group_membership'))
    )
    op.create_index('ix_group_membership_address', 'group_membership', ['group_id', 'email'], unique=True, sqlite_where=sa.text("belonging = 'invited'"), postgresql_where=sa.text("belonging = 'invited'"))
    op.create_index(op.f('ix_group_membership_email'), 'group_membership', ['email'], unique=False)
    op.create_index('ix_group_membership_person', 'group_membership', ['group_id', 'user_id'], unique=True, sqlite_where=sa.text("belonging IN ('asked', 'member')"), postgresql_where=sa.text("belonging IN ('asked', 'member')"))
    op.create_index(op.f('ix_group_membership_user_id'), 'group_membership', ['user_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_group_membership_user_id'), table_name='group_membership')
    op.drop_index('ix_group_membership_person', table_name='group_membership', sqlite_where=sa.text("belonging IN ('asked', 'member')"), postgresql_where=sa.text("belonging IN ('asked', 'member')"))
    op.drop_index(op.f('ix_group_membership_email'), table_name='group_membership')
    op.drop_index('ix_group_membership_address', table_name='group_membership', sqlite_where=sa.text("belonging = 'invited'"), postgresql_where=sa.text("belonging = 'invited'"))
    op.drop_table('group_membership')
    op.drop_index(op.f('ix_research_group_leader_id'), table_name='research_group')
    op.drop_index(op.f('ix_research_group_institution_id'), table_name='research_group')
    op.drop_table('research_group')
